// Logs and traces: a Log Analytics workspace and Application Insights on it.

@description('Name of the workspace.')
param workspaceName string = 'log-swarmstar'

@description('Name of the Application Insights component.')
param insightsName string = 'appi-swarmstar'

@description('Region.')
param location string = resourceGroup().location

@description('Tags.')
param tags object = {}

@description('Who sends telemetry: id and type.')
param appPrincipal object = {}

@description('Days that logs are kept.')
param retentionDays int = 30

@description('GB of logs taken in a day.')
param dailyGb int = 1

var roles = {
  'Monitoring Metrics Publisher': '3913510d-42f4-4e42-8a64-420c390055eb'
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionDays
    workspaceCapping: {
      dailyQuotaGb: dailyGb
    }
    features: {
      disableLocalAuth: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource publisher 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipal.id, roles['Monitoring Metrics Publisher'])
  scope: insights
  properties: {
    principalId: appPrincipal.id
    principalType: appPrincipal.type
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['Monitoring Metrics Publisher'])
  }
}

@description('Resource id of the workspace.')
output workspaceId string = workspace.id

@description('Where telemetry goes; no secret, since keys are off.')
output connectionString string = insights.properties.ConnectionString
