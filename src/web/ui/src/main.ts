import { mount } from 'svelte';
import './app.css';
import './lib/theme.svelte';
import App from './App.svelte';
import { noteCampaign } from './lib/campaign';

noteCampaign();
const target = document.getElementById('app');
if (target) mount(App, { target });
